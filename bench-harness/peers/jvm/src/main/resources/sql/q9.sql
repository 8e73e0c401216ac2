CREATE TEMPORARY TABLE answer (
  id BIGINT, item_name STRING, description STRING, initial_bid BIGINT, reserve BIGINT, date_time TIMESTAMP(3), expires TIMESTAMP(3),
  seller BIGINT, category BIGINT, extra STRING, bidder BIGINT, price BIGINT, bid_date_time TIMESTAMP(3), bid_extra STRING, PRIMARY KEY
  (id) NOT ENFORCED
)
WITH ('connector' = 'answer');

INSERT INTO answer
SELECT id, item_name, description, initial_bid, reserve, date_time, expires, seller, category, extra, bidder, price, bid_date_time, bid_extra
FROM (
  SELECT A.*, B.bidder, B.price, B.date_time AS bid_date_time, B.extra AS bid_extra,
    ROW_NUMBER() OVER (PARTITION BY A.id ORDER BY B.price DESC, B.date_time ASC) AS place
  FROM auction AS A JOIN bid AS B ON A.id = B.auction
  WHERE B.date_time BETWEEN A.date_time AND A.expires
)
WHERE place <= 1
