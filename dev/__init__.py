"""What is of use only to those who develop this package."""
