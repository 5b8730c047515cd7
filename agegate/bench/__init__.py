"""Benchmarks: each figure beside its floor, measured in the same run, as ratios.

The floor is the least that could do the work with nothing of agegate's: what a figure is compared with on
another machine.
"""
