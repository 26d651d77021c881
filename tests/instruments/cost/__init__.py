"""What a gather costs, counted without a GPU: launches, programs, bytes, compiled variants, machine code.

`counting` counts one call on the checked interpreter, `recording` says what Triton would compile for a launch,
`trace` does so over growing requests, and `compiling` compiles it for GPUs that are not there.
"""
