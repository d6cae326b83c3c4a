"""Inference: what would have happened without the programme, learned from all authorities.

Takes a panel of published figures. Hands on a posterior of the baseline's hyperparameters, its convergence checks, and
each area's counterfactual, drawn exactly given its own record and each posterior draw. PyMC samples, ArviZ checks.
"""
