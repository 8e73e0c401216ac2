-- Changes of a group are put together for two seconds, or 50,000 rows.
SET 'table.exec.mini-batch.enabled' = 'true';
SET 'table.exec.mini-batch.allow-latency' = '2 s';
SET 'table.exec.mini-batch.size' = '50000';

CREATE TEMPORARY TABLE answer (category BIGINT, avg_price BIGINT, PRIMARY KEY (category) NOT ENFORCED)
WITH ('connector' = 'answer');

INSERT INTO answer
SELECT category, AVG(price)
FROM (
  SELECT A.category AS category, MAX(B.price) AS price
  FROM auction AS A JOIN bid AS B ON A.id = B.auction
  WHERE B.date_time BETWEEN A.date_time AND A.expires
  GROUP BY A.id, A.category
)
GROUP BY category
