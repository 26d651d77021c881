"""Independent oracles of a K/S gather. They share no code with `kernels/`, and a test holds them to it."""
