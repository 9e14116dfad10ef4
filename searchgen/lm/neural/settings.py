"""How a transformer is to be read: what ends a text, what it follows, where and how exactly it is computed."""

from dataclasses import dataclass, fields

from searchgen.errors import RequestError
from searchgen.lm.examples import AUTOMATIC, NONE, example_lines

__all__ = ["DTYPES", "ENDS", "NEURAL_FIELDS", "NeuralSettings"]

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
        examples: lines in whose manner texts are written: "" (as the command has it), none, default, FILE or FILE:N.
        dtype: auto (float32 on the CPU, as stored on a GPU), float32, bfloat16 or float16.
    """

    end: str = "eos"
    prompt: str = ""
    device: str = "auto"
    dtype: str = "auto"
    examples: str = ""

    def __post_init__(self) -> None:
        """Refuse what is none of the words above; see `RequestError`."""
        if self.end not in ENDS:
            raise RequestError(f"--end {self.end!r}: give one of {', '.join(ENDS)}")
        if self.prompt and self.examples not in (AUTOMATIC, NONE):
            raise RequestError("--examples and --prompt both stand before the text; give one of them")
        if self.end == "none" and self.examples not in (AUTOMATIC, NONE):
            raise RequestError(
                "--end none: a line ends with a line end behind example lines; drop one of the two flags"
            )
        if self.dtype not in DTYPES:
            raise RequestError(f"--dtype {self.dtype!r}: give one of {', '.join(DTYPES)}")
        kind, _, number = self.device.partition(":")
        if kind not in ("auto", "cpu", "cuda") or (":" in self.device and (kind != "cuda" or not number.isdecimal())):
            raise RequestError(f"--device {self.device!r}: give auto, cpu, cuda or cuda:N")

    @property
    def examples_text(self) -> str:
        """The example lines, each with its line end; raises as `searchgen.lm.examples.example_lines`."""
        return "".join(f"{line}\n" for line in example_lines(self.examples))


#: The names of the fields, which are those of flags and of keys in specs and jobs.
NEURAL_FIELDS = tuple(field.name for field in fields(NeuralSettings))
