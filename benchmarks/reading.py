"""Blind readings: keyword sets drawn from human sentences, a shuffled sheet of what several systems write for them, and the table.

    python -m benchmarks.reading sets --seed 1 -o FOLDER                  # sets.json, from the texts of SEARCHGEN_SHARED
    python -m benchmarks.reading write FOLDER SYSTEM --lm MODEL           # SYSTEM.json: a text for every set, by this checkout
    python -m benchmarks.reading sheet FOLDER SYSTEM ... --seed 1         # sheet.tsv for readers: number, text; key.json: whose text it is
    python -m benchmarks.reading table FOLDER READER.tsv ...              # number, f(ine), o(dd) or b(roken) a line; with 95 % intervals

Readers see numbers and texts only. A sheet counts if they call at least 90 % of its human sentences fine.
"""

import argparse
import json
import random
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from math import sqrt
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, shared
from searchgen.text import detect

__all__ = ["interval", "main"]

#: Kinds of sets: language, how many sets, how many words, and words (characters) of the human sentence.
KINDS = {
    "two": ("en", 50, 2, (5, 12)),
    "three": ("en", 50, 3, (6, 14)),
    "four": ("en", 30, 4, (8, 14)),
    "concepts": ("en", 60, 4, (7, 14)),
    "zh": ("zh", 70, 2, (7, 18)),
}

#: The sentences are these, which no embedded model has read; how common a word is, the larger text says.
SENTENCES, COUNTED = "everyday-{}.txt", "{}/tatoeba2.txt"

HUMAN = "human"

#: Words that say little; as common as these, or shorter than three letters, a word is no keyword.
COMMON = 120

#: Endings that concepts have lost, with what takes their place.
ENDINGS = (("ies", "y"), ("ing", ""), ("ing", "e"), ("es", ""), ("s", ""), ("ed", ""), ("ed", "e"))

#: Of a binomial share.
Z = 1.96

FINE, ODD, BROKEN = "fob"


def main() -> None:
    """Do one of the four steps."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reading", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    for name in ("sets", "write", "sheet", "table"):
        step = steps.add_parser(name)
        step.add_argument("folder", type=Path, nargs=None if name != "sets" else "?", default=Path())
        step.add_argument("names", nargs="*")
        step.add_argument("--seed", type=int, default=1)
        step.add_argument("--lm", default="")
        step.add_argument("--flags", default="")
        step.add_argument("-o", dest="output", type=Path)
    flags = parser.parse_args()
    folder = flags.output or flags.folder
    folder.mkdir(parents=True, exist_ok=True)
    if flags.step == "sets":
        _write(folder / "sets.json", draw(flags.seed))
    elif flags.step == "write":
        _write(folder / f"{flags.names[0]}.json", written(_read(folder / "sets.json"), flags.lm, flags.flags.split()))
    elif flags.step == "sheet":
        _sheet(folder, flags.names, flags.seed)
    else:
        _table(folder, flags.names)


def draw(seed: int) -> list[dict[str, object]]:
    """Return sets, all different, with the human sentences that their words are from."""
    rows: list[dict[str, object]] = []
    for kind, (language, count, size, lengths) in KINDS.items():
        path = shared("corpora", *COUNTED.format(language).split("/"))
        if path is None:
            sys.exit("SEARCHGEN_SHARED names the folder of the texts")
        lines = sorted(set((ROOT / "corpora" / SENTENCES.format(language)).read_text(encoding="utf-8").splitlines()))
        chooser = random.Random(f"{kind} {seed}")
        counts = _counts(sorted(set(path.read_text(encoding="utf-8").splitlines())), kind)
        ranks = _ranks(counts)
        drawn: set[frozenset[str]] = set()
        while len(drawn) < count:
            line = chooser.choice(lines)
            units = _units(line, kind)
            length = len(line) if kind == "zh" else len(units)
            content = sorted({word for word in units if _is_content(word, counts, ranks, kind)})
            if lengths[0] <= length <= lengths[1] and len(content) >= size and line[-1:] in ".!?。！？":
                chosen = chooser.sample(content, size)
                words = [_bare(word, counts) if kind == "concepts" else word for word in chosen]
                if frozenset(words) not in drawn:
                    drawn.add(frozenset(words))
                    rows.append({"kind": kind, "words": words, HUMAN: line})
    return rows


def _units(line: str, kind: str) -> list[str]:
    return sorted(_pairs(line)) if kind == "zh" else re.findall(r"[a-z]+(?:'[a-z]+)?", line.lower())


def _counts(lines: Sequence[str], kind: str) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for line in lines:
        for word in set(_units(line, kind)):
            counts[word] += 1
    return counts


def _pairs(line: str) -> set[str]:
    return {line[i : i + 2] for i in range(len(line) - 1)}


def _ranks(counts: dict[str, int]) -> dict[str, int]:
    """Return how many words are more frequent than each."""
    return {word: rank for rank, word in enumerate(sorted(counts, key=lambda one: -counts[one]))}


def _is_content(word: str, counts: dict[str, int], ranks: dict[str, int], kind: str) -> bool:
    """Return whether a word says something; of Chinese pairs those do that are words of everyday life."""
    if kind == "zh":
        return word in _lexicon()
    return len(word) > 2 and ranks.get(word, 0) > COMMON and counts[word] > 5 and "'" not in word


@cache
def _lexicon() -> frozenset[str]:
    """Return the words that the task file for Chinese asks for, and those below: nouns and verbs of everyday life."""
    path = shared("tasks", "keywords-zh.txt")
    assert path is not None
    return frozenset(re.findall(r"[\u4e00-\u9fff]{2,}", path.read_text(encoding="utf-8"))) | frozenset(EVERYDAY.split())


EVERYDAY = """
早饭 午饭 晚饭 米饭 面包 牛奶 咖啡 水果 苹果 鸡蛋 蔬菜 饺子 面条 厨房 客厅 房间 窗户 桌子 椅子 电视 电脑 手机 电话 照片 音乐 电影 故事
医生 护士 医院 老师 学生 学校 教室 作业 考试 铅笔 词典 图书 朋友 爸爸 妈妈 哥哥 姐姐 弟弟 妹妹 孩子 邻居 司机 警察 经理 同事 公司 会议
火车 飞机 汽车 地铁 机场 车站 公园 商店 超市 银行 餐厅 宾馆 旅行 护照 行李 雨伞 衣服 裤子 裙子 鞋子 帽子 眼镜 手表 礼物 生日 春天 夏天
秋天 冬天 天气 下雨 下雪 太阳 月亮 星星 山上 河边 海边 花园 树木 小狗 小猫 鸟儿 跑步 游泳 唱歌 跳舞 足球 篮球 比赛 练习 洗澡 睡觉 起床
打扫 帮助 喜欢 害怕 高兴 生气 担心 忘记 记得 决定 开始 结束 等待 离开 回家 上班 下班 工作 学习 休息 感冒 发烧 吃药 身体 健康 问题 办法
"""


def _bare(word: str, counts: dict[str, int]) -> str:
    """Return a concept: a word without the ending of its form, if the text knows it without."""
    for ending, instead in ENDINGS:
        stem = word.removesuffix(ending) + instead
        if word.endswith(ending) and len(stem) > 2 and counts.get(stem, 0) > 5:
            return stem
    return word


def written(sets: Sequence[dict[str, object]], lm: str, flags: Sequence[str]) -> list[str]:
    """Return the text that this checkout writes for each set, in each language by a process; "" where it finds none."""
    texts = [""] * len(sets)
    for chinese in (False, True):
        members = [i for i, one in enumerate(sets) if (detect("".join(_words(one))) == "zh") == chinese]
        model = ["--lm", lm.split(",")[chinese]] if "," in lm or not chinese else []
        if not members or (lm and not model):
            continue
        command = [sys.executable, "-m", "searchgen", "constrain", "--keywords", "-", "--seed", "1", *model, *flags]
        given = "".join(",".join(_words(sets[i])) + "\n" for i in members)
        done = subprocess.run(command, input=given, stdout=subprocess.PIPE, encoding="utf-8", check=False)
        for i, text in zip(members, done.stdout.splitlines(), strict=True):
            texts[i] = text
    return texts


def _words(one: dict[str, object]) -> list[str]:
    words = one["words"]
    assert isinstance(words, list)
    return words


def _sheet(folder: Path, names: Sequence[str], seed: int) -> None:
    sets = _read(folder / "sets.json")
    systems = {name: _read(folder / f"{name}.json") for name in names}
    rows = [(name, i, text) for name, texts in systems.items() for i, text in enumerate(texts) if text]
    mixer = random.Random(seed)
    human = [(HUMAN, i, one[HUMAN]) for i, one in enumerate(sets)]
    rows += mixer.sample(human, max(20, len(human) // 4))
    mixer.shuffle(rows)
    _write(folder / "key.json", [(name, i) for name, i, _ in rows])
    for chinese in (False, True):
        part = [
            f"{number}\t{text}\n" for number, (_, _, text) in enumerate(rows, 1) if (detect(text) == "zh") == chinese
        ]
        (folder / f"sheet-{'zh' if chinese else 'en'}.tsv").write_text("".join(part), encoding="utf-8")


def _table(folder: Path, readers: Sequence[str]) -> None:
    sets, key = _read(folder / "sets.json"), _read(folder / "key.json")
    for reader in readers:
        verdicts: dict[tuple[str, str], list[str]] = defaultdict(list)
        for line in Path(reader).read_text(encoding="utf-8").splitlines():
            number, verdict = line.split("\t")[:2]
            name, i = key[int(number) - 1]
            kind = sets[i]["kind"]
            verdicts[name, ("zh" if kind == "zh" else "en") if name == HUMAN else kind].append(verdict.strip()[:1])
        print(reader)
        for (name, kind), given in sorted(verdicts.items()):
            cells = [
                f"{what} {interval(given.count(letter), len(given))}"
                for what, letter in (("fine", FINE), ("odd", ODD), ("broken", BROKEN))
            ]
            print(f"  {name:<12} {kind:<10} {len(given):>3}   {'   '.join(cells)}")


def interval(count: int, total: int) -> str:
    """Return a share with its 95 % interval (E. B. Wilson, "Probable inference", JASA 1927), in percent.

    Example:
        >>> interval(30, 50)
        '60 % (46-72)'
    """
    share = count / total
    middle = (share + Z * Z / (2 * total)) / (1 + Z * Z / total)
    half = Z * sqrt(share * (1 - share) / total + Z * Z / (4 * total * total)) / (1 + Z * Z / total)
    return f"{100 * share:.0f} % ({100 * (middle - half):.0f}-{100 * (middle + half):.0f})"


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=0), encoding="utf-8")


if __name__ == "__main__":
    main()
