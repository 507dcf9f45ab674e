"""scikit-learn: estimators, transformers and pipelines of both."""
