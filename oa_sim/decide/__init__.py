"""Decide: which plan is best, how sure that is, and what more information would be worth.

Takes a scenario, an objective, constraints. Hands on a plan in whole pounds with a bound, a robustness report, and the
value of information.
"""
