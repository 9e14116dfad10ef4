"""What the numbers of a page mean, a sentence each."""

__all__ = ["COLUMNS", "FIGURES", "KINDS", "MOVES"]

MOVES = {
    "span": "Replaces, inserts or removes up to three tokens, and leaves demanded words alone.",
    "any-span": "Replaces, inserts or removes up to three tokens, demanded words among them.",
    "relocate": "Carries a few tokens to another place.",
}

KINDS = {
    "search": "A search looks for dense texts; they follow no law, so no estimate can be made from them.",
    "exact": "The draws are independent, and each follows the stated law exactly.",
    "weighted": "The draws follow the stated law when each is counted with its weight.",
    "markov": "The draws are states of Markov chains: each follows the stated law in the long run, and neighbours resemble each other.",
    "approximate": "The draws follow a law near the stated one; the distance is estimated.",
    "pseudo": "The draws follow a law that nobody can state.",
}

FIGURES = {
    "ESS": "The effective sample size: so many independent draws would estimate a mean as well.",
    "R-hat": "R-hat compares the chains with each other: near 1 they agree, above 1.1 they do not.",
    "log Z": "The natural log of the total mass of all texts that satisfy the constraints.",
    "look-ahead log Z": "The natural log of the total mass of all texts that satisfy the constraints, as the look-ahead sees it.",
    "Pareto k": "The size of the largest weights: above 0.7, estimates from them are unreliable.",
    "largest share": "The part of all weight that one draw has.",
    "distinct": "Number of different texts among the draws.",
    "evaluations": "Number of texts that were scored, whole or in part.",
    "steps": "Number of proposals that all chains made together.",
}

COLUMNS = {
    "satisfied": "Share of the texts that satisfy every constraint.",
    "mean": "Mean log-density of the draws.",
    "best": "Largest log-density among the draws.",
    "ESS/s": "Effective sample size of a second's draws: so many independent draws would estimate a mean as well.",
    "R-hat": FIGURES["R-hat"],
    "log Z": FIGURES["log Z"],
}
