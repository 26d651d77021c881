"""Implementations that end their process, lose the GPU or reach one byte too far: what containment is tested on."""
