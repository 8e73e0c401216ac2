CREATE TEMPORARY VIEW delayed AS SELECT * FROM flight WHERE delay >= 15;

CREATE TEMPORARY TABLE answer (origin STRING, window_start TIMESTAMP(3), window_end TIMESTAMP(3), flights BIGINT, delays BIGINT)
WITH ('connector' = 'answer');

INSERT INTO answer
SELECT origin, window_start, window_end, COUNT(*), SUM(delay)
FROM TABLE(SESSION(TABLE delayed PARTITION BY origin, DESCRIPTOR(scheduled), INTERVAL '1' HOUR))
GROUP BY origin, window_start, window_end
