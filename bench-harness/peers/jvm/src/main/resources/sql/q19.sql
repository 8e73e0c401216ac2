CREATE TEMPORARY TABLE answer (
  auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, date_time TIMESTAMP(3), extra STRING, `rank` BIGINT, PRIMARY
  KEY (auction, `rank`) NOT ENFORCED
)
WITH ('connector' = 'answer');

INSERT INTO answer
-- One reader: of two bids at the same price the earlier arrival ranks first, and only one reader keeps their order.
SELECT auction, bidder, price, channel, url, date_time, extra, place
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC) AS place FROM bid /*+ OPTIONS('readers' = '1') */
)
WHERE place <= 10
