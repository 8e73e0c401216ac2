CREATE TEMPORARY TABLE answer (auction BIGINT, price BIGINT, bidder BIGINT, date_time TIMESTAMP(3), extra STRING)
WITH ('connector' = 'answer');

INSERT INTO answer
SELECT B.auction, B.price, B.bidder, B.date_time, B.extra
FROM (
  SELECT auction, price, bidder, date_time, extra, window_start, window_end FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(date_time), INTERVAL '10' SECOND))
) AS B JOIN (
  SELECT MAX(price) AS price, window_start, window_end FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(date_time), INTERVAL '10' SECOND)) GROUP BY window_start, window_end
) AS M ON B.window_start = M.window_start AND B.window_end = M.window_end AND B.price = M.price
