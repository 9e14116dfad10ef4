"""What texts mean: vectors of words and sentences, and how alike two texts are."""
