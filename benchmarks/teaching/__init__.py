"""How the transformer of `en` or `zh` is taught by a larger model on its own mistakes; notes/training.md has the commands and their times.

    requests      words that the student practises on                         requests.jsonl
    candidates    the best different texts of the search for each             candidates.jsonl
    labels        what the teacher makes of each text, and of its words       labels.jsonl
    texts         everyday text in the student's pieces                       texts.npz
    train         the student: a folder as of `lm train`
    evaluate      agreement with the teacher on requests that are held out
    sheet         a blind sheet of two versions and people

All files lie in one folder that git ignores (build/). Each step goes on where it was, and refuses files that something else has made.
"""
