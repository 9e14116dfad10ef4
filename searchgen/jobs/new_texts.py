"""Answers whose texts no answer before them has: the next text of a job that is new, else the job again with another seed."""

from collections.abc import Generator
from contextlib import closing, suppress
from dataclasses import replace

from searchgen.batch.jobs import Job
from searchgen.batch.texts import Texts
from searchgen.jobs.batch_job import Answer

__all__ = ["ATTEMPTS", "with_new_texts"]

#: How often a job is done, each time with another seed, until it has a text that is new.
ATTEMPTS = 8


def with_new_texts(answers: Generator[tuple[Job, Answer], Job | None], texts: Texts) -> Generator[tuple[Job, Answer]]:
    """Yield each job with an answer whose texts are new; one that has none left is infeasible.

    Args:
        answers: in the order of the jobs; a job that is sent in return is done again.
        texts: of the rows before.
    """
    again: Job | None = None
    seconds = 0.0
    with closing(answers), suppress(StopIteration):
        while True:
            job, answer = answers.send(again)
            again, seconds = None, seconds + answer.seconds
            if answer.status == "ok":
                row = texts.choose(answer.row, answer.others, job.line)
                if row is None and job.attempt + 1 < ATTEMPTS:
                    again = replace(job, attempt=job.attempt + 1)
                    continue
                status = "infeasible" if row is None else "ok"
                answer = answer._replace(row=texts.without(answer.row) if row is None else row, status=status)
            yield job, answer._replace(seconds=seconds, others=())
            seconds = 0.0
