"""The tiny scenario, and how many draws of the shipped posterior it is answered from."""

TINY = ("areas=three_areas", "horizon=5")
CHAINS, DRAWS = 2, 20
