CREATE TEMPORARY TABLE answer (place BIGINT, origin STRING, window_start TIMESTAMP(3), flights BIGINT, delays BIGINT)
WITH ('connector' = 'answer');

INSERT INTO answer
SELECT place, origin, window_start, flights, delays
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY CAST(delays AS DOUBLE) / flights DESC, origin) AS place
  FROM (
    SELECT origin, window_start, window_end, COUNT(*) AS flights, SUM(delay) AS delays
    FROM TABLE(TUMBLE(TABLE flight, DESCRIPTOR(scheduled), INTERVAL '1' DAY))
    GROUP BY origin, window_start, window_end
  )
)
WHERE place <= 10
