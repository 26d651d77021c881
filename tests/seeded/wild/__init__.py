"""Small kernels for the checked interpreter: correct gathers of several styles, and one planted bug a kernel."""
