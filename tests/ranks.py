"""Ranks: simulation-based calibration, where the truth lies among draws of a posterior.

Figures are made up from hyperparameters drawn from the priors, and the model is fitted to them. If the simulator, the
density, its gradient and the sampler all say the same, the rank of the truth among independent draws is uniform
(Talts and others, 2018); the bands are those of Säilynoja, Bürkner and Vehtari (2022).
"""

import itertools
import multiprocessing
import os
import warnings
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import simulated
from scipy.optimize import minimize
from scipy.stats import binom

from oa_sim.inference import baseline_model, national_trend, observations, sampling
from oa_sim.rng import stream

DRAWS, THIN, TUNE = 63, 3, 100  # 63 draws leave 64 ranks; every third is kept, so that they are nearly independent
TARGET_ACCEPT = 0.8
RECORD = "log density of the record"  # sees what each parameter on its own does not (Modrák and others, 2023)
NULL_SETS = 20_000


class Machine:
    """The model, compiled once; each simulation puts another record in it."""

    def __init__(self, known: observations.Record | None = None):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.pm = sampling.load_pymc()
            from pymc.blocking import DictToArrayBijection, RaveledVars
            from pytensor.graph.traversal import ancestors

            from oa_sim.inference.baseline_likelihood import RecordDensity

            # where England has figures is part of the compiled model, so it is given some
            self.empty = known or simulated.play(simulated.small(), simulated.typical(), stream(0, "typical"))
            self.model = baseline_model.model(self.empty)
            with self.model:
                self.step = self.pm.NUTS(target_accept=TARGET_ACCEPT)
            nodes = [node.owner.op for node in ancestors(self.model.potentials) if node.owner]
            self.density = next(op for op in nodes if isinstance(op, RecordDensity))
            self.RecordDensity, self.RaveledVars = RecordDensity, RaveledVars
            point = self.model.initial_point()
            point = DictToArrayBijection.map({v.name: point[v.name] for v in self.model.value_vars})
            self.info, self.n = point.point_map_info, len(point.data)
            self.function = self.step._logp_dlogp_func
            self.function.set_extra_values({})

    def names(self) -> list[str]:
        """Return a label for each hyperparameter, in the order of a point."""
        found = []
        for variable in self.model.value_vars:
            dims = self.model.named_vars_to_dims.get(variable.name, ())
            labels = [str(label) for dim in dims for label in self.model.coords[dim]] or [""]
            found += [f"{variable.name} {label}".strip() for label in labels]
        return found

    def put(self, known: observations.Record) -> None:
        """Put a record in the compiled model."""
        self.density.bands = self.RecordDensity(baseline_model.bands(known)).bands
        self.model["england_change"].set_value(national_trend.steps(known.series, known.national).change)

    def loss(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        """Return minus the log density of a point and its gradient."""
        value, slope = self.function(self.RaveledVars(point, self.info))
        return -float(value), -np.asarray(slope, dtype=float)

    def draws(self, rng: np.random.Generator) -> tuple[np.ndarray, int]:
        """Return nearly independent draws (draw, hyperparameter) and the number of divergences, from NUTS."""
        from pymc.step_methods.hmc.integration import CpuLeapfrogIntegrator
        from pymc.step_methods.hmc.quadpotential import QuadPotentialFull

        found = minimize(self.loss, np.zeros(self.n), jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
        steps = 1e-4 * np.eye(self.n)
        curvature = np.array([(self.loss(found + one)[1] - self.loss(found - one)[1]) / 2e-4 for one in steps])
        values, vectors = np.linalg.eigh(0.5 * (curvature + curvature.T))
        covariance = (vectors / np.maximum(values, 1.0)) @ vectors.T
        step = self.step
        step.rng = rng
        step.potential = QuadPotentialFull(covariance, rng=rng.spawn(1)[0])
        step.integrator = CpuLeapfrogIntegrator(step.potential, self.function)
        step.reset_tuning()
        start = found + np.linalg.cholesky(covariance) @ rng.standard_normal(self.n)
        at, kept, diverging = self.RaveledVars(start, self.info), [], 0
        for i in range(TUNE + DRAWS * THIN):
            if i == TUNE:
                step.stop_tuning()
            at, stats = step.astep(at)
            diverging += bool(stats[0]["diverging"]) and i >= TUNE
            if i >= TUNE and (i - TUNE) % THIN == THIN - 1:
                kept.append(at.data.copy())
        return np.array(kept), diverging

    def truths(self, n: int, seed: int) -> list[tuple[np.ndarray, dict]]:
        """Return draws from the priors: each as a point, and as values by name."""
        names = [variable.name for variable in self.model.value_vars]
        wanted = [self.model[name] for name in (*names, *simulated.FREE)]
        drawn = self.pm.draw(wanted, draws=max(n, 2), random_seed=seed)  # of one draw PyMC drops the dimension
        values = [np.asarray(value) for value in drawn]
        points = np.concatenate([value.reshape(len(value), -1) for value in values[: len(names)]], axis=1)
        values = dict(zip(simulated.FREE, values[len(names) :], strict=True))
        return [(points[i], {name: value[i] for name, value in values.items()}) for i in range(n)]

    def rank(self, point: np.ndarray, truth: dict, rng: np.random.Generator) -> tuple[np.ndarray, int]:
        """Return the ranks of a truth, the last that of the record's density, and the number of divergences."""
        self.put(simulated.play(self.empty, truth, rng))
        drawn, diverging = self.draws(rng)
        density = np.array([self.loss(one)[0] for one in [point, *drawn]])
        return np.append((drawn < point).sum(axis=0), (density[1:] < density[0]).sum()), diverging


def ranks(first: int, last: int, seed: int) -> tuple[list[str], np.ndarray, int]:
    """Return the names of what is ranked, the ranks (simulation, name), and the number of divergences."""
    machine = Machine()
    truths = machine.truths(last, seed)
    found = [machine.rank(*truths[i], stream(seed, "calibration", i)) for i in range(first, last)]
    return [*machine.names(), RECORD], np.array([one[0] for one in found]), sum(one[1] for one in found)


def ranks_of_many(n: int, seed: int, processes: int = 2) -> tuple[list[str], np.ndarray, int]:
    """Return what ``ranks`` does, from several processes; the same whatever their number."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: more threads than processors only wait
    starts = np.linspace(0, n, processes + 1).astype(int)
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        jobs = [pool.submit(ranks, int(a), int(b), seed) for a, b in itertools.pairwise(starts)]
        parts = [job.result() for job in jobs]
    return parts[0][0], np.concatenate([part[1] for part in parts]), sum(part[2] for part in parts)


def p_values(found: np.ndarray, levels: int = DRAWS + 1) -> np.ndarray:
    """Return, for each column of ranks (simulation, name), the chance of an ECDF at least as far from uniform.

    How far an ECDF is from uniform is the smallest of its pointwise two-sided tail shares; what that is worth at all
    points at once comes from sets of uniform ranks.
    """
    null = stream(0, "uniform ranks").multinomial(len(found), np.full(levels, 1 / levels), NULL_SETS)
    far = _farthest(null)
    counts = np.array([np.bincount(column, minlength=levels) for column in found.T])
    return np.array([(1 + (far <= one).sum()) / (1 + NULL_SETS) for one in _farthest(counts)])


def _farthest(counts: np.ndarray) -> np.ndarray:
    """Return the smallest pointwise two-sided tail share of ECDFs given as counts (set, level)."""
    below, n, levels = np.cumsum(counts, axis=1)[:, :-1], counts[0].sum(), counts.shape[1]
    shares, whole = np.arange(1, levels) / levels, np.arange(n + 1)[:, None]
    tails = 2 * np.minimum(binom.cdf(whole, n, shares), binom.sf(whole - 1, n, shares))
    return tails[below, np.arange(levels - 1)].min(axis=1)
