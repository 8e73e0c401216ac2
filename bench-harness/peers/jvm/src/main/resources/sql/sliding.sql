CREATE TEMPORARY TABLE answer (`key` BIGINT, window_end TIMESTAMP(3), average BIGINT)
WITH ('connector' = 'answer');

INSERT INTO answer
SELECT `key`, window_end, AVG(`value`)
FROM TABLE(HOP(TABLE events, DESCRIPTOR(event_time), INTERVAL '1' SECOND, INTERVAL '10' SECOND))
GROUP BY `key`, window_start, window_end
