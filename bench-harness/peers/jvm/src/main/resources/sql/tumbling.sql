CREATE TEMPORARY TABLE answer (`key` BIGINT, window_start TIMESTAMP(3), total BIGINT, records BIGINT)
WITH ('connector' = 'answer');

INSERT INTO answer
SELECT `key`, window_start, SUM(`value`), COUNT(*)
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '1' SECOND))
GROUP BY `key`, window_start, window_end
