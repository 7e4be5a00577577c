"""Judgement: a claim's readings go in, a verdict with its evidence comes out."""

from lemmata.verify.judgement import judge, judge_shape_error
from lemmata.verify.outcome import Limits, Reading

__all__ = ["Limits", "Reading", "judge", "judge_shape_error"]
