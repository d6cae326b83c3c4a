"""Plots: every picture, one function each.

Takes results and tables. Hands on pictures that can be written as SVG and as PNG, with the description that a reader
who cannot see them needs. Matplotlib is known here alone.
"""
