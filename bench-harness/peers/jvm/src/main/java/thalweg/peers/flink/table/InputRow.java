package thalweg.peers.flink.table;

import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.data.RawValueData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.types.RowKind;
import org.apache.flink.types.variant.Variant;

/** A row of an input table: whole numbers, times in ms and texts, none of them missing. It is read in place, without a conversion. */
abstract class InputRow implements RowData {
    private final int arity;
    private RowKind kind = RowKind.INSERT;

    InputRow(int arity) {
        this.arity = arity;
    }

    private static UnsupportedOperationException none() {
        return new UnsupportedOperationException("no column of an input table is of this type");
    }

    @Override
    public final int getArity() {
        return arity;
    }

    @Override
    public final RowKind getRowKind() {
        return kind;
    }

    @Override
    public final void setRowKind(RowKind kind) {
        this.kind = kind;
    }

    @Override
    public final boolean isNullAt(int column) {
        return false;
    }

    @Override
    public final TimestampData getTimestamp(int column, int precision) {
        return TimestampData.fromEpochMillis(getLong(column));
    }

    @Override
    public StringData getString(int column) {
        throw none();
    }

    @Override
    public final boolean getBoolean(int column) {
        throw none();
    }

    @Override
    public final byte getByte(int column) {
        throw none();
    }

    @Override
    public final short getShort(int column) {
        throw none();
    }

    @Override
    public final int getInt(int column) {
        throw none();
    }

    @Override
    public final float getFloat(int column) {
        throw none();
    }

    @Override
    public final double getDouble(int column) {
        throw none();
    }

    @Override
    public final DecimalData getDecimal(int column, int precision, int scale) {
        throw none();
    }

    @Override
    public final <T> RawValueData<T> getRawValue(int column) {
        throw none();
    }

    @Override
    public final byte[] getBinary(int column) {
        throw none();
    }

    @Override
    public final ArrayData getArray(int column) {
        throw none();
    }

    @Override
    public final MapData getMap(int column) {
        throw none();
    }

    @Override
    public final RowData getRow(int column, int fields) {
        throw none();
    }

    @Override
    public final Variant getVariant(int column) {
        throw none();
    }
}
