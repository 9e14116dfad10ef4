"""What is read of a decoder, in whichever format it is stored: its sizes, its weights, and the hash of its content."""
