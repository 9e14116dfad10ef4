"""What `fix` takes an edit of each kind to cost: the numbers of its target."""

from dataclasses import dataclass

__all__ = ["COSTS", "Costs"]


@dataclass(frozen=True)
class Costs:
    """What log p must gain by an edit of each kind, in nats; chosen on lines that no benchmark has.

    Attributes:
        form: another form of a word.
        letters: a word one slip of the keys away.
        sound: `a` or `an`; in Chinese a character of a like sound.
        function: another article, preposition or particle.
        insert: such a word more; in Chinese any character.
        delete: such a word less, or a word that stands twice.
        order: two neighbours exchanged, or a word moved across two.
        expected: any other word.
    """

    form: float = 5.0
    letters: float = 5.5
    sound: float = 2.0
    function: float = 7.5
    insert: float = 2.0
    delete: float = 6.0
    order: float = 3.5
    expected: float = 14.0


#: By text form.
COSTS = {"en": Costs(), "zh": Costs(sound=7.0, function=5.0, insert=4.0, delete=15.0, order=4.5, expected=16.0)}
