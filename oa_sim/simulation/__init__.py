"""Simulation: one scenario from start to end.

Takes a scenario. Hands on a ``Result`` (draws, tables, what makes them traceable, sentences), or several compared on
the same draws and the same noise.
"""
