"""What a user asks for, as one typed value: from values, from TOML, from the user's settings."""
