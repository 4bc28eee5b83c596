"""Metrics, thresholds, slices and importance: what the Evaluator computes and judges by."""
