package thalweg.peers.flink.table;

import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.ScalarFunction;

/** SQL function: how often an ASCII letter occurs in a text. */
public class CountLetter extends ScalarFunction {
    /** Counts the bytes: no other letter of UTF-8 holds an ASCII byte. */
    public long eval(
            @DataTypeHint(value = "STRING", bridgedTo = StringData.class) StringData text,
            @DataTypeHint(value = "STRING", bridgedTo = StringData.class) StringData letter) {
        byte wanted = letter.toBytes()[0];
        long count = 0;
        for (byte b : text.toBytes()) {
            if (b == wanted) {
                count++;
            }
        }
        return count;
    }
}
