"""Claims of the literature on negative prompting, measured on the embedded model; see `bench.reproduce`."""
