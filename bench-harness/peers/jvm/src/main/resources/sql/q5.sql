CREATE TEMPORARY TABLE answer (auction BIGINT, bids BIGINT, window_start TIMESTAMP(3))
WITH ('connector' = 'answer');

INSERT INTO answer
SELECT C.auction, C.bids, C.window_start
FROM (
  SELECT auction, COUNT(*) AS bids, window_start, window_end
  FROM TABLE(HOP(TABLE bid, DESCRIPTOR(date_time), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
  GROUP BY auction, window_start, window_end
) AS C JOIN (
  SELECT MAX(bids) AS most, window_start, window_end
  FROM (
  SELECT auction, COUNT(*) AS bids, window_start, window_end
  FROM TABLE(HOP(TABLE bid, DESCRIPTOR(date_time), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
  GROUP BY auction, window_start, window_end
  )
  GROUP BY window_start, window_end
) AS M ON C.window_start = M.window_start AND C.window_end = M.window_end AND C.bids = M.most
