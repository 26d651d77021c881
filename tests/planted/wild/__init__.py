"""Small kernels for the checked interpreter: correct gathers in several styles, and planted bugs."""
