"""How the transformer of `en` is taught by a larger model on its own mistakes: requests, candidates, labels, training, evaluation.

FOLDER=build/taught                                                   # ignored by git; each step goes on where it was
python -m benchmarks.teaching.requests FOLDER --count 3000 --seed 1   # requests.jsonl
python -m benchmarks.teaching.candidates FOLDER                       # candidates.jsonl: the best texts of the search for each
python -m benchmarks.teaching.labels FOLDER --teacher smollm2         # labels.jsonl: what the teacher makes of each text
python -m benchmarks.teaching.train FOLDER --minutes 40               # student/: a folder as of lm train
python -m benchmarks.teaching.evaluate FOLDER FILE.onnx ...           # agreement with the teacher on held-out requests
"""
