"""Independent, uncertified calculations that are held against the enclosures."""
