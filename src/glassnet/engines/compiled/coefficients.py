"""The numbers behind `elementary`: how a dtype is laid out, and the polynomials, from the constant term upwards.

The polynomials are minimax fits of our own: least squares on Chebyshev nodes in 140-bit arithmetic, reweighted by the
error until that is level (Lawson, 1961); for a quotient P/Q the denominator's values come from the round before. The
power of two after each is the error left, relative to the function that it serves, so ten or more bits below an ulp
(2^-24 and 2^-53) cost nothing and two cost a quarter of one.
"""

from dataclasses import dataclass

from numba import types

__all__ = ["TABLES", "Table"]

Coefficients = tuple[float, ...]


@dataclass(frozen=True)
class Table:
    """What depends on the dtype."""

    digits: int  # bits of the mantissa
    bias: int  # of the exponent
    root_half: int  # the bits of sqrt(1/2)
    ln2_high: float  # so short that its products with whole numbers up to 2 bias are exact
    ln2_low: float
    exp_range: tuple[float, float]  # beyond it e^x is 0 or infinite
    expm1_range: tuple[float, float]  # beyond it e^x - 1 is -1 or infinite
    exp: Coefficients  # (e^r - 1 - r) / r^2, |r| <= ln(2) / 2
    tanh_last: float  # from here on tanh is 1
    erf_end: float
    erf_last: float  # from here on erf is 1
    erf_numerator: Coefficients  # in z = x^2, as all that follow but the last two
    erf_denominator: Coefficients  # erf(x) / x - 1, x <= erf_end
    erfc_numerator: Coefficients  # in x
    erfc_denominator: Coefficients  # e^(x^2) (1 - erf(x)), erf_end <= x <= erf_last
    log: Coefficients  # (log((1 + s) / (1 - s)) - 2 s) / s^3 in s^2, (1 + s) / (1 - s) from 1/sqrt(2) to sqrt(2)


FLOAT32 = Table(
    digits=23,
    bias=127,
    root_half=0x3F3504F3,
    ln2_high=0.693359375,
    ln2_low=-2.1219444005469057e-4,
    exp_range=(-105.0, 90.0),
    expm1_range=(-20.0, 89.0),
    exp=(0.50000000626, 0.16666542045, 0.041666279173, 0.0083667109966, 0.0013946662994),  # 2^-26
    tanh_last=10.0,
    erf_end=0.9,
    erf_last=4.0,
    erf_numerator=(0.128379166367, -0.331494355331, -0.01322364673, -0.00140872444774),
    erf_denominator=(1.0, 0.347657364532, 0.0366309755026),  # 2^-30
    erfc_numerator=(1.00074270631, 0.748861698643, 0.237216483895),
    erfc_denominator=(1.0, 1.88227165187, 1.34534278245, 0.419011391101),  # 2^-31
    log=(0.666667767856, 0.399774889603, 0.298732225474),  # 2^-30
)

FLOAT64 = Table(
    digits=52,
    bias=1023,
    root_half=0x3FE6A09E667F3BCD,
    ln2_high=0.6931471805598903,
    ln2_low=5.497923018708371e-14,
    exp_range=(-746.0, 711.0),
    expm1_range=(-40.0, 710.0),
    exp=(  # 2^-55
        0.500000000000000568,
        0.166666666666666839,
        0.0416666666665719447,
        0.00833333333331575485,
        0.00138888889329499586,
        0.000198412699006482046,
        0.0000248015037400330261,
        2.75572300322105273e-6,
        2.76266139397066229e-7,
        2.51138217829834698e-8,
    ),
    tanh_last=20.0,
    erf_end=0.9,
    erf_last=6.0,
    erf_numerator=(  # 2^-56
        0.128379167095512563,
        -0.323603153140007663,
        -0.0320475292041868051,
        -0.00628621716936021756,
        -0.000104533712605936081,
        -3.23607927567447927e-6,
    ),
    erf_denominator=(
        1.0,
        0.409125850246016606,
        0.0700860038475291817,
        0.00604646708924175519,
        0.000225977127514932799,
    ),
    erfc_numerator=(  # 2^-58
        0.999999938611669825,
        1.37698856089780567,
        0.932694814969039188,
        0.36358469777683077,
        0.0811708680698749919,
        0.00845578613362031694,
    ),
    erfc_denominator=(
        1.0,
        2.50536704540746478,
        2.75970240065758247,
        1.72444903764494577,
        0.65199917834183723,
        0.143867015004934187,
        0.0149876391326700562,
    ),
    log=(  # 2^-59
        0.666666666666673474,
        0.399999999994121988,
        0.28571428743027889,
        0.22222198498319518,
        0.181835686642535651,
        0.153139288999778687,
        0.147972667703363293,
    ),
)

TABLES = {types.float32: FLOAT32, types.float64: FLOAT64}
