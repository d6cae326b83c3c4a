"""Targets: which levels can be attained, how likely targets are, and what new figures say.

Takes a scenario and targets or new figures. Hands on levels with probabilities, base rates, the least money for a
target, and monitoring with the draws reweighted.
"""
