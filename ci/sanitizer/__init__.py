"""compute-sanitizer over a part of the catalogue: NVIDIA's checker of every access, with its kernel and its line.

It sees what fences cannot: which tensor an access missed, and where in the source; reads of memory that nobody wrote
(initcheck); hazards in shared memory (racecheck). It is slow, and starts a process that examines the chosen cases.
"""
