"""Training of small causal transformers: from text to a folder in Hugging Face format. It imports torch, so import it late."""

import os

# Read when torch is imported: threads that spin while they wait starve whatever else the machine does.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
