"""Sweep: thousands of scenarios into one store, whatever happens on the way.

Takes a grid, a list or a sample of scenarios. Hands on a Zarr store with CSV and Parquet summaries, and what the sweep
shows: variance-based sensitivity, scenario discovery, a tornado.
"""
