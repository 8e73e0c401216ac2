CREATE TEMPORARY TABLE answer (auction BIGINT, bidder BIGINT, price DECIMAL(18, 3), date_time TIMESTAMP(3), extra STRING)
WITH ('connector' = 'answer');

INSERT INTO answer
SELECT auction, bidder, CAST(price AS DECIMAL(15, 0)) * 0.908, date_time, extra FROM bid
