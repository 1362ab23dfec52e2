"""The figures of the method, one for each step, all from a worked example."""
