CREATE TEMPORARY TABLE answer (origin STRING, window_start TIMESTAMP(3), flights BIGINT, delays BIGINT)
WITH ('connector' = 'answer');

INSERT INTO answer
SELECT origin, window_start, COUNT(*), SUM(delay)
FROM TABLE(TUMBLE(TABLE flight, DESCRIPTOR(scheduled), INTERVAL '1' HOUR))
GROUP BY origin, window_start, window_end
