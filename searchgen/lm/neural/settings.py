"""How a transformer is to be read: what ends a text, what it follows, where and how exactly it is computed."""

from dataclasses import dataclass

from searchgen.errors import RequestError

__all__ = ["DTYPES", "ENDS", "NeuralSettings"]

#: What ends a text: the model's end token, a line end, or nothing (then scores are those of prefixes, which do not sum to 1).
ENDS = ("eos", "newline", "none")

DTYPES = ("auto", "float32", "bfloat16", "float16")


@dataclass(frozen=True)
class NeuralSettings:
    """How a transformer scores a text: log p(text, end | prompt).

    Attributes:
        end: what ends a text: eos, newline or none.
        prompt: text that the scored one follows; it conditions the model and has no score itself.
        device: auto (the first GPU, else the CPU), cpu, cuda or cuda:N.
        examples_text: lines in whose manner a text is to be written, each with its line end; they stand before it as a prompt does.
        dtype: auto (float32 on the CPU, as stored on a GPU), float32, bfloat16 or float16.
    """

    end: str = "eos"
    prompt: str = ""
    device: str = "auto"
    dtype: str = "auto"
    examples_text: str = ""

    def __post_init__(self) -> None:
        """Refuse what is none of the words above; see `RequestError`."""
        if self.end not in ENDS:
            raise RequestError(f"--end {self.end!r}: give one of {', '.join(ENDS)}")
        if self.dtype not in DTYPES:
            raise RequestError(f"--dtype {self.dtype!r}: give one of {', '.join(DTYPES)}")
        kind, _, number = self.device.partition(":")
        if kind not in ("auto", "cpu", "cuda") or (":" in self.device and (kind != "cuda" or not number.isdecimal())):
            raise RequestError(f"--device {self.device!r}: give auto, cpu, cuda or cuda:N")
