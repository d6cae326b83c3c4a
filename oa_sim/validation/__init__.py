"""Validation: whether the model deserves trust.

Takes published figures and the model as it would have been fitted then. Hands on scores against other forecasters, a
hindcast, a placebo test, and what is left of the answer without each study.
"""
