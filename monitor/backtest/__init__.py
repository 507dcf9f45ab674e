"""Back-tests: versions over a large corpus, partition by partition, by the code that scores and judges the stream."""
