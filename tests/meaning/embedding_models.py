"""Tiny random sentence-embedding models in folders of the usual layout, and their vectors by plain torch."""

import json
from pathlib import Path

import numpy as np

__all__ = ["WORDS", "plain_vectors", "write_model"]

#: What the tokenizer knows; other words are one unknown piece.
ENGLISH = "the a dog cat hound puppy sleeps runs ran old door near , . coffee tea cup of"
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *ENGLISH.split(), *"我喜欢喝咖啡茶狗。"]

#: Numbers of a piece, and pieces of a text.
WIDTH, LONGEST = 16, 12


def write_model(folder: Path, weights: str = "safetensors", pooling: str | None = None, seed: int = 0) -> Path:
    """Write a model of two layers of BERT, or, as ONNX, of one layer without attention; return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_tokenizer(folder)
    if pooling is not None:
        (folder / "1_Pooling").mkdir()
        modes = {
            f"pooling_mode_{name}": name == pooling for name in ("cls_token", "mean_tokens", "max_tokens", "lasttoken")
        }
        (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": WIDTH, **modes}))
    if weights == "safetensors":
        _bert(seed).save_pretrained(folder)
    else:
        _write_graph(folder / "onnx", seed)
        (folder / "config.json").write_text(
            json.dumps({"architectures": ["BertModel"], "max_position_embeddings": LONGEST})
        )
    return folder


def plain_vectors(folder: Path, texts: list[str], pooling: str = "mean", seed: int = 0) -> np.ndarray:
    """Compute the vectors text by text, from the model itself, not from its folder."""
    import torch
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    rows = []
    for text in texts:
        pieces = tokenizer.encode(text).ids
        ids = torch.tensor([pieces if len(pieces) <= LONGEST else [*pieces[: LONGEST - 1], pieces[-1]]])
        if (folder / "onnx").is_dir():
            table, turned = map(torch.from_numpy, _weights(seed))
            hidden = torch.tanh(table[ids[0]] @ turned)
        else:
            with torch.inference_mode():
                hidden = _bert(seed)(ids).last_hidden_state[0]
        pooled = {"mean": hidden.mean(0), "cls": hidden[0], "max": hidden.max(0).values}[pooling]
        rows.append(torch.nn.functional.normalize(pooled, dim=0).numpy())
    return np.array(rows)


def _write_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    made = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    made.enable_padding(length=40)  # as many tokenizers are kept: the reader must not heed it
    made.save(str(folder / "tokenizer.json"))


def _bert(seed: int):  # type: ignore[no-untyped-def]
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(seed)
    sizes = {"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    return BertModel(BertConfig(vocab_size=len(WORDS), max_position_embeddings=LONGEST, **sizes)).eval()  # type: ignore[no-untyped-call]


def _weights(seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    table, turned = draw.normal(size=(len(WORDS), WIDTH)), draw.normal(size=(WIDTH, WIDTH))
    return table.astype(np.float32), turned.astype(np.float32)


def _write_graph(folder: Path, seed: int) -> None:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    folder.mkdir()
    table, turned = _weights(seed)
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["embedded"]),
        helper.make_node("MatMul", ["embedded", "turned"], ["product"]),
        helper.make_node("Tanh", ["product"], ["hidden"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["column"]),
        helper.make_node("Mul", ["hidden", "column"], ["last_hidden_state"]),
        helper.make_node("ReduceMax", ["hidden", "middle"], ["pooler_output"], keepdims=0),
    ]
    constants = {"table": table, "turned": turned, "last": np.array([-1]), "middle": np.array([1])}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "l"])
            for name in ("input_ids", "attention_mask")
        ],
        [
            helper.make_tensor_value_info("pooler_output", TensorProto.FLOAT, ["n", WIDTH]),
            helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["n", "l", WIDTH]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), folder / "model.onnx"
    )
