CREATE TEMPORARY TABLE answer (auction BIGINT, bidder BIGINT, price BIGINT, date_time TIMESTAMP(3), extra STRING)
WITH ('connector' = 'answer');

INSERT INTO answer
SELECT auction, bidder, price, date_time, extra FROM bid
