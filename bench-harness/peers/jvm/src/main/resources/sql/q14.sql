CREATE TEMPORARY FUNCTION count_letter AS 'thalweg.peers.flink.table.CountLetter';

CREATE TEMPORARY TABLE answer (
  auction BIGINT, bidder BIGINT, price DECIMAL(18,3), time_of_day STRING, date_time TIMESTAMP(3), extra STRING, c_count BIGINT
)
WITH ('connector' = 'answer');

INSERT INTO answer
SELECT auction, bidder, CAST(price AS DECIMAL(15, 0)) * 0.908,
  CASE
    WHEN HOUR(date_time) BETWEEN 8 AND 18 THEN 'day'
    WHEN HOUR(date_time) <= 6 OR HOUR(date_time) >= 20 THEN 'night'
    ELSE 'other'
  END,
  date_time, extra, count_letter(extra, 'c')
FROM bid
WHERE CAST(price AS DECIMAL(15, 0)) * 0.908 > 1000000 AND CAST(price AS DECIMAL(15, 0)) * 0.908 < 50000000
