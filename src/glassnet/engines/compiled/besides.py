"""Other work that is done while the matrix unit multiplies, in units of some ten to a hundred instructions.

The unit's instructions and those of vectors need nothing of each other, but the processor looks only some hundred
instructions ahead: in one piece between the products of two steps the other work would keep the unit waiting. So a
product calls `go` after every few of its instructions, at so many places as `packed_product.places` says, and each
time as many units are done as bring the work to its end together with the product.
"""

# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportReturnType=false, reportOperatorIssue=false

from glassnet.engines.compiled.kit import compiled

__all__ = ["besides"]

_FRACTION = 16  # binary digits


def besides(unit):
    """Functions (start, go, rest) for work of which job = unit(u, job) does the u-th part.

    start(units, places, job): work for a product of so many places. go(work): what falls to the next place; returns
    the work. rest(work): what is left after the last place; returns the job.
    """

    @compiled
    def start(units, places, job):
        return 0, (units << _FRACTION) // places, units, job

    @compiled
    def go(work):
        done, share, units, job = work
        for u in range(done >> _FRACTION, (done + share) >> _FRACTION):
            job = unit(u, job)
        return done + share, share, units, job

    @compiled
    def rest(work):
        done, _, units, job = work
        for u in range(done >> _FRACTION, units):
            job = unit(u, job)
        return job

    return start, go, rest
