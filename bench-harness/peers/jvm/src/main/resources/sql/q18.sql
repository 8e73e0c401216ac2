CREATE TEMPORARY TABLE answer (
  auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, date_time TIMESTAMP(3), extra STRING, PRIMARY KEY (bidder,
  auction) NOT ENFORCED
)
WITH ('connector' = 'answer');

INSERT INTO answer
-- One reader: of two bids at the same time the later arrival wins, and only one reader keeps their order.
SELECT auction, bidder, price, channel, url, date_time, extra
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY bidder, auction ORDER BY date_time DESC) AS place FROM bid /*+ OPTIONS('readers' = '1') */
)
WHERE place <= 1
